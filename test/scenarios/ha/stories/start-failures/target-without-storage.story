The first host that should take the VMs has lost its storage an instant ago, and nobody knows yet: it refuses the starts,
and another host gets them.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault host-power-loss h1
at 14.5s: fault storage-partition h2 for 30s
run until quiet
expect web run on h3 with a newer epoch; h2 online; alarm host-dead on h1; no other alarm
