"""How does a hyperparameter change the way a DQN learns, and how sure may you be?"""

__version__ = "0.1.0"
