A cluster promises to bear the loss of one of its three hosts: of its nine slots six may be taken, a seventh VM is refused.
When a host is lost its VMs use what was kept for them. The promise is broken then, and an alarm says so until
the host is back.

cluster c1: 3 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm web x6 on h1, h2, h3: 4 GiB

at 1s: set c1: admission slots 1
at 10s: create late: 4 GiB
at 20s: fault host-power-loss h1
at 200s: heal host-power-loss h1; power-on h1
run until quiet
expect refused "create late: 4 GiB" with failover-capacity; late gone
expect web-1 runs elsewhere with a newer epoch; web-4 runs elsewhere with a newer epoch
expect once alarm failover-capacity on c1; no alarm
