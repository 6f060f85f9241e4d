"""The same pipelines over many processes and machines, on Ray Data: this machine, or a cluster by its address.

A job is a list of shards, each a fixed slice of the inputs that becomes one Parquet file (`jobs`, `shards`). A worker
loads its models once and makes shard after shard (`shard_work`); the driver keeps a journal of the finished ones. So a
worker or a driver may be killed at any moment: the same call goes on with the shards that are missing, and what it
writes is byte for byte what one process would have written on the same kind of device (a GPU's last digits are not a
CPU's). `attempts` sets a picture aside that kills its worker.

`grit_job` makes rows of GrIT from captions and pictures, `folder_job` grounds phrases in a folder, `rec_job` measures
a trunk. `on_ray` spreads shards over the workers of a `cluster`. `planning` says what millions of pairs would take.
Ray is imported inside functions alone, so that all but `cluster` and `on_ray` works without it.
"""
