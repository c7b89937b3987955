"""Rows to numbers: estimates, intervals and tests. The room offers modules; the names are in them.

For the rows of a sweep: the modules `samples`, `describe`, `compare`, `robustness`, `attainment`, `looks` and
`scores`. For arrays and numbers: the modules `statistics`, `survival`, `blocked`, `sequential`,
`environments`, `sensitivity` and `planning`. The rest is private.
"""
