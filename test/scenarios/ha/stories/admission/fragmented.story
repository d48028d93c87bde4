Enough is kept in sum, and yet the VM of a failed host would find no place: what is free lies on two hosts. That has an
alarm of its own, and it was true.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm large x3 on h1, h2, h3: 36 GiB

at 1s: set c1: admission percentage 34
at 90s: fault host-power-loss h1
run until 200s
expect once alarm failover-fragmented on c1; large-1 waiting because "memory"; alarm vm-waits on large-1
expect alarm host-dead on h1; no other alarm
