The source cannot be reached for minutes in the middle of a migration, and nothing is wrong with it. Its VMs are out of sight until it answers; then the migration is rolled back, and they run where they were.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 4m: migrate plan p1
before step finalSync of plan-migrate: fault call-timeout site-a for 10m
at 20m: rollback plan p1
run until quiet
expect web run at a; nothing was lost; plan p1 is ready; group shop is protected
