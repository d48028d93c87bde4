The control plane is away for ten minutes, and a host has died when it comes back.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault host-power-loss h1; kill the control plane for 10m
run until quiet
expect web run elsewhere with a newer epoch; web start elsewhere after 600s; alarm host-dead on h1; no other alarm
