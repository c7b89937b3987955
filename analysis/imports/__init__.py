"""Import logs of other programs as a sweep: `python -m analysis import PATH --to SWEEP`.

The room offers the module `command`. It reads the logs of other programs' training runs and writes a sweep in
the format of our records, which all commands read like any other sweep. Values that the logs do not contain
stay unknown.
"""
