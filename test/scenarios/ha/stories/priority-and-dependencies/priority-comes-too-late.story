A VM gets a higher priority minutes before its host dies, and it counts.

cluster c1: 2 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm old on h1: 4 GiB
vm new on h1: 4 GiB
vm other x2 on h2: 4 GiB

at 5s: set new: priority high
at 60s: fault host-power-loss h1
run until 200s
expect new runs on h2; old waiting
