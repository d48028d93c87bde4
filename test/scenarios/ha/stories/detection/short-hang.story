A host stands still for four seconds and goes on: its VMs have noticed more of it than the control plane has.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10.5s: fault host-hang h1 for 4s
run until 120s
expect web untouched; nothing restarted; incident of h1 none
