A plan that was never tested is not begun without somebody's word, and says so; the other is. With the word the rest follows.

cluster c1 at site a: 3 hosts of 16 cores and 64 GiB
cluster c2 at site b: 3 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
vm db on h3: 2 vCPU, 8 GiB
group shop of web: sync to b
group books of db: sync to b
plan p1 of shop: tested
plan p2 of books
guests write every 5s

at 4m: fault site-loss site-a for 20m
at 5m: failover site a
1m after plan p1 is recoveredPeerPending: failover site a without a test because "site a burns"
run until quiet
expect web, db run at b; nothing was lost; lost exactly as reported
expect report of site a: failover success; report of its plans: p2 success
