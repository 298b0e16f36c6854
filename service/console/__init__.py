"""Server-rendered pages: the staff's console and the worker's own pages. They work without script."""

from service.console.app import create_console, create_worker_pages, mount_pages, refusals_before_pages

__all__ = ["create_console", "create_worker_pages", "mount_pages", "refusals_before_pages"]
