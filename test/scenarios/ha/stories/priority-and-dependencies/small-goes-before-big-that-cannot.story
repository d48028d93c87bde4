The most important VM is too large for what is left. That does not keep smaller ones waiting.

cluster c1: 2 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm big on h1: 8 GiB, priority high
vm small on h1: 2 GiB, priority low
vm other x2 on h2: 4 GiB

at 10s: fault host-power-loss h1
run until 150s
expect small runs on h2 with a newer epoch; big waiting because "memory"; alarm vm-waits on big
