A VM depends on one that finds no room. It is not kept waiting for that: both were on the host that died, and it is small
enough for what is left.

cluster c1: 2 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm db on h1: 8 GiB
vm app on h1: 2 GiB, dependsOn db
vm other x2 on h2: 4 GiB

at 10s: fault host-power-loss h1
run until 150s
expect app runs on h2 with a newer epoch; db waiting because "memory"; other untouched; alarm vm-waits on db
