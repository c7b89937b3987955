"""What Hydra finds: a launcher, two sweepers and a search path. Each calls into `launch` or `study`."""
