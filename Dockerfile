# One image, three processes: `hotline api`, `hotline worker`, `hotline scheduler`.
FROM python:3.11-slim AS build
WORKDIR /build
COPY pyproject.toml requirements.lock ./
RUN python -m venv /opt/hotline \
 && /opt/hotline/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY sla_rules sla_rules
COPY service service
COPY workers workers
RUN /opt/hotline/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --system --uid 10351 --no-create-home hotline \
 && install -d -o 10351 -m 0750 /var/lib/hotline/files /var/lib/hotline/backups
COPY --from=build /opt/hotline /opt/hotline
ENV PATH=/opt/hotline/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOTLINE_HOST=0.0.0.0
USER 10351
EXPOSE 8351
CMD ["hotline", "api"]
