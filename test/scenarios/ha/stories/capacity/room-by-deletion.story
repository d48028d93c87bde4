No host has room: VMs wait with reason and alarm. When somebody deletes a VM elsewhere one of them runs, without an operator.

cluster c1: 2 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm web x3 on h1: 4 GiB
vm other x3 on h2: 4 GiB

at 10s: fault host-power-loss h1
at 150s: delete other-2
run until 300s
expect once alarm vm-waits on web-1; web-1 runs on h2 with a newer epoch; web-2..3 waiting because "memory"
expect incident of h1 open
