"""A running sweep or study in the browser: `python -m analysis watch SWEEP_DIR`.

The room offers the module `command`. A light page shows at once the ended and running trials and the time
left. Below it is the report, which another process draws again as trials end. The server only reads; no
request of a browser changes anything.
"""
