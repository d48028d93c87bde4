The host on which a VM is being brought back is cut off from everything, and may run it: the lease decides.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 10s: fault host-power-loss h1
10s after web starts elsewhere: fault bmc-unreachable the host of web; fault management-partition the host of web; fault storage-partition the host of web
run until quiet
expect web runs elsewhere with a newer epoch; alarm host-dead on h1; alarm host-lost on h2; no other alarm
