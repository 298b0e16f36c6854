"""What the pages say about files, and what the worker's own pages say, in Chinese and English."""

PAIRS: dict[str, tuple[str, str]] = {
    # Files
    "files.title": ("附件", "Files"),
    "files.by_worker": ("职工提供", "from the worker"),
    "files.reason": ("查看原因", "Why you need it"),
    "files.hidden": (
        "职工要求保密,此材料可能显示身份:仅热线中心可看,原因记录在案。",
        "The worker asked for confidentiality and this may show who they are: for the centre only, with a reason.",
    ),
    "files.fetch": ("下载", "Fetch"),
    "files.withdraw": ("撤回此附件", "Take it back"),
    "files.add": ("上传附件", "Attach a file"),
    "files.file": ("文件", "File"),
    "files.hint": (
        "照片、PDF、Word、Excel、文本、录音或 mp4,每个不超过 {limit} MB",
        "Pictures, PDF, Word, Excel, text, recordings or mp4, up to {limit} MB each",
    ),
    "files.note": ("说明(可以不写)", "What it shows (you need not say)"),
    "files.submit": ("上传", "Send"),
}
