VMs of a failed host go to hosts in normal use. There is no room on them, so they wait; the host that is kept free is not
theirs by this method.

cluster c1: 3 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
set c1: failoverHosts h3, recovery automatic
vm web on h1: 4 GiB, priority high
vm late on h1: 4 GiB
vm other x2 on h2: 4 GiB

at 10s: fault host-power-loss h1
run until 200s
expect web runs on h2 with a newer epoch; late waiting because "failover rules out 1"; late never on h3; other untouched
