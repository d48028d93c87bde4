Thirty percent of a cluster are kept for failures. A seventh VM would leave less and is refused; as one is stopped there
is room for it.

cluster c1: 3 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm web x6 on h1, h2, h3: 4 GiB
vm night: 4 GiB, switched off

at 1s: set c1: admission percentage 30
at 10s: start night
at 20s: stop web-6
at 60s: start night
run until quiet
expect refused "start night" with failover-capacity; night runs; web-6 stopped; web-1..5 untouched; no alarm
