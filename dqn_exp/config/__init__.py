"""The configuration of a trial: its schema, the parsing of values, and the error for bad input.

`parse_config` makes a checked `Config` from plain values; `parse_size` reads counts such as 17k.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.config.errors import ConfigError, did_you_mean, unknown
    from dqn_exp.config.formats import DONE_BEFORE, FORMAT, check_format, recorded_config
    from dqn_exp.config.groups import dotted, flat, group_key, grouped
    from dqn_exp.config.identity import NOT_OF_THE_TRIAL
    from dqn_exp.config.parsing import parse_config, refuse_second_names, refuse_unused_names
    from dqn_exp.config.paths import CONF, ROOT
    from dqn_exp.config.reference import as_yaml
    from dqn_exp.config.schema import (
        EPSILONS,
        SHORT_NAMES,
        AdamConfig,
        AdamWConfig,
        AgentConfig,
        BudgetConfig,
        C51Config,
        CombinedConfig,
        Config,
        ConstantConfig,
        ConvolutionConfig,
        EnvConfig,
        EpisodesTargetConfig,
        EvaluationConfig,
        ExplorationConfig,
        ExponentialConfig,
        HeadConfig,
        LinearConfig,
        MultiplicativeConfig,
        MunchausenConfig,
        NetworkConfig,
        NoTargetConfig,
        OnlineConfig,
        OptimizerConfig,
        PrioritisedConfig,
        QRConfig,
        Real,
        ReplayConfig,
        RMSpropConfig,
        SGDConfig,
        SoftTargetConfig,
        TargetConfig,
        UniformConfig,
        ValuesConfig,
    )
    from dqn_exp.config.sizes import format_size, parse_size, plain_calls

__getattr__ = lazy(__name__, __file__)
