The host dies while a stopped VM is being started on it: the start was accepted, so it ends well on another host.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm night on h1: switched off

at 10s: start night
at 20s: fault host-power-loss the host of night
run until quiet
expect night runs; alarm host-dead on h1; no other alarm
