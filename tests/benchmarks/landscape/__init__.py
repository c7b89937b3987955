"""ARLBench's DQN landscapes trained again here, and compared: docs/landscape.md."""
