VMs wait for room and are deleted: they go at once, with all that they had, and their incident is closed.

cluster c1: 2 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm web x2 on h1: 4 GiB
vm other x3 on h2: 4 GiB

at 10s: fault host-power-loss h1
at 60s: delete web
run until quiet
expect web gone; other untouched; alarm host-dead on h1; no other alarm; incident of h1 closed
