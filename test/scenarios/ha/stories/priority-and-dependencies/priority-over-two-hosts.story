Two hosts die together, and there is room for two of their VMs: the most important ones get it, whichever host they were on.

cluster c1: 3 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm first on h1: 4 GiB, priority high
vm third on h1: 4 GiB, priority low
vm second on h2: 4 GiB
vm fourth on h2: 4 GiB, priority low
vm other on h3: 4 GiB

at 10s: fault host-power-loss h1, h2
run until 200s
expect first, second run on h3 with a newer epoch; third, fourth waiting because "memory"; other untouched
expect alarm vm-waits on third; alarm vm-waits on fourth; incident of h1 open; incident of h2 open
