A VM waits for room, and its owner does not want it any more: it has no process, so the stop takes effect at once. Room
that comes later is for the other one.

cluster c1: 2 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm web x2 on h1: 4 GiB
vm other x3 on h2: 4 GiB

at 10s: fault host-power-loss h1
at 60s: stop web-1
at 120s: delete other-1
run until quiet
expect web-1 stopped; web-2 runs on h2 with a newer epoch; alarm host-dead on h1; no other alarm; incident of h1 closed
