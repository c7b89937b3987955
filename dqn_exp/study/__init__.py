"""An Optuna study: proposals scored over several seeds, pruned, resumed, shared, confirmed.

space        what is searched: Hydra's syntax to Optuna's distributions
settings     the options of a study, checked
objective    what is scored: from the records of a trial to a number
parts        samplers and pruners from their configuration
storage      journal files and databases, opened so that kill -9 does no harm
claims       who runs which proposal, and what becomes of those whose process died
presence     which processes are at work on a study
proposal     one proposal in a worker process: its seeds in lockstep
workers      how proposals are run: our own pool, or any Hydra launcher in batches
study        the search, from the first proposal to the results
confirm      the winner and the default on seeds that the search never saw
results      what a study leaves on disk
"""
