"""Tables: what stands in the way of work on one, names, twins, partitions."""
