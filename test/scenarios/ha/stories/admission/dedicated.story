One host is kept for failures alone: it takes no creation and no migration, though it is empty and the others are full.
When another host dies its VMs go there.

cluster c1: 3 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
set c1: failoverHosts h3, admission dedicated, recovery reserved
vm web x3 on h1: 4 GiB
vm other x3 on h2: 4 GiB

at 10s: create late: 4 GiB
at 20s: migrate web-1 to h3
at 60s: fault host-power-loss h1
run until 200s
expect refused "create late: 4 GiB" with no-capacity; refused "migrate web-1 to h3" with no-capacity
expect web run on h3 with a newer epoch; other untouched
expect alarm host-dead on h1; alarm failover-capacity on c1; no other alarm
