A host comes back and dies again before anything has returned to it. What waits on its incident does not wait for it.

cluster c1: 2 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm web x2 on h1: 4 GiB
vm other x3 on h2: 4 GiB

at 10s: fault host-power-loss h1
at 100s: heal host-power-loss h1; power-on h1
after h1 is online: fault host-power-loss h1
at 300s: delete other
run until 500s
expect web run on h2 with a newer epoch; h1 fenced; alarm host-dead on h1; no other alarm
