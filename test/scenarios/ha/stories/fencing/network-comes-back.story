A host that is cut off answers again before its watchdog struck, but its fence has begun: it is not let off. Its agent
stops what it runs before anything starts elsewhere, so that nothing ever runs twice.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault bmc-unreachable h1; fault management-partition h1 for 30s; fault storage-partition h1 for 30s
run until quiet
expect web run with a newer epoch; incident of h1 closed
