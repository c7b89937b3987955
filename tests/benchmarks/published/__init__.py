"""Published settings trained by stable-baselines3 and by us, in one protocol: docs/published.md."""
