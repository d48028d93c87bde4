There is room for one VM, and two need it: the more important one gets it, the other waits with an alarm.

cluster c1: 2 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm low on h1: 4 GiB, priority low
vm high on h1: 4 GiB, priority high
vm other x2 on h2: 4 GiB

at 10s: fault host-power-loss h1
run until 150s
expect high runs on h2 with a newer epoch; low waiting because "memory"
expect alarm vm-waits on low; other untouched
