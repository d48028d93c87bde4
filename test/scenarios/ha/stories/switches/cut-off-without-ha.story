HA is off for a cluster, and one of its hosts is cut off from both networks: nothing of it is started elsewhere.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 5s: set c1: ha off
at 30s: fault management-partition h1 for 40s; fault storage-partition h1 for 40s
run until 300s
expect nothing restarted; web never on h2; web never on h3
