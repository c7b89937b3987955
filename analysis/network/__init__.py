"""Inside one trial: what its network thinks and does, and why it did not learn.

Three commands, `policy`, `video` and `diagnose`, each a module with `add_arguments` and `run`. The modules
`trained`, which brings a network back, `rollouts` and `command_line` serve whoever else plays one.
"""
