A VM belongs to one group at most.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
guests write every 5s

at 10s: create group other of web-1: async to b
run until quiet
expect web untouched; nothing was lost; refused "create group other of web-1: async to b" because "shop"
