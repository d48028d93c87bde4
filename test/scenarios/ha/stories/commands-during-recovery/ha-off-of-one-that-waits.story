HA is switched off for a VM that waits for room: it waits no longer, and rests with the reason.

cluster c1: 2 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm web x2 on h1: 4 GiB
vm other x3 on h2: 4 GiB

at 10s: fault host-power-loss h1
at 60s: set web-1: ha off
at 120s: delete other-1
run until quiet
expect web-1 stopped because "HA was switched off for it while it waited"; web-2 runs on h2 with a newer epoch
expect alarm host-dead on h1; no other alarm; incident of h1 closed
