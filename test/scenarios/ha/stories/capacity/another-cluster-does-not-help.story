The only hosts of a cluster are lost. Its VMs wait; the other cluster has room, and it is not theirs.

cluster c1: 2 hosts of 16 cores and 64 GiB
cluster c2: 2 hosts of 16 cores and 64 GiB
vm web x2 on h1, h2
vm shop on h3

at 10s: fault host-power-loss h1, h2
run until 300s
expect web waiting; shop untouched; alarm vm-waits on web-1; web never on h3; web never on h4
