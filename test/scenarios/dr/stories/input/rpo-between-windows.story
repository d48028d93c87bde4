A group that sends two hours of the day only cannot keep an RPO of 15 minutes: it is refused with figures, before anything is copied.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB

at 10s: create group shop of web: async to b, rpo 15m, sends from 0 to 2
run until quiet
expect as before; web untouched; refused "create group shop of web: async to b, rpo 15m, sends from 0 to 2" because "22"
