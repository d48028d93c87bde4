Two hosts die together and their VMs find no room. One of the two is switched on again: it takes VMs of both as far as it
has room, the more important ones first; the rest waits for the other.

cluster c1: 3 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm web x2 on h1: 4 GiB
vm shop x2 on h2: 4 GiB, priority high
vm other x3 on h3: 4 GiB

at 10s: fault host-power-loss h1, h2
at 100s: heal host-power-loss h1; power-on h1
at 300s: heal host-power-loss h2; power-on h2
run until quiet
expect shop run on h1 with a newer epoch; web-1 runs on h1 with a newer epoch; web-2 runs on h2 with a newer epoch
expect other untouched; h1 online; h2 online; incident of h1 closed; incident of h2 closed; no alarm
