The only host with room for them is the one that failed. When it is back they run there, with nobody asking for it.

cluster c1: 2 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm web x3 on h1: 4 GiB
vm other x3 on h2: 4 GiB

at 10s: fault host-power-loss h1
at 120s: heal host-power-loss h1; power-on h1
run until 400s
expect web run on h1 with a newer epoch; no alarm; h1 online; incident of h1 closed
