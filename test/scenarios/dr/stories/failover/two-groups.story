Two groups of one plan are switched together; each has its own point and its own loss.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
vm db on h1: 2 vCPU, 4 GiB
group front of web: async to b, rpo 10m
group back of db: sync to b
plan p1 of back, front: priority 1 db, tested
guests write every 5s

at 4m: fault site-loss site-a for 10m
at 5m: failover plan p1
run until quiet
expect all VMs run at b; nothing was lost of back; something was lost of front; lost exactly as reported; report of p1: failover success
