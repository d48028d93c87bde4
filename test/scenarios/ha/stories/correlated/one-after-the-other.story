While the VMs of one host are being brought back a second host dies, with VMs of its own.

cluster c1: 4 hosts of 16 cores and 64 GiB
vm web x2 on h1
vm shop x2 on h2

at 10s: fault host-power-loss h1
at 25s: fault host-power-loss h2
run until quiet
expect web run elsewhere with a newer epoch; shop run elsewhere with a newer epoch
expect alarm host-dead on h1; alarm host-dead on h2; no other alarm
