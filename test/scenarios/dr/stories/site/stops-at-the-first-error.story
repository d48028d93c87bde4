A site is to be emptied, and its second plan cannot begin: what comes after it is left as it was, and is told so.

cluster c1 at site a: 3 hosts of 16 cores and 64 GiB
cluster c2 at site b: 3 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
vm db on h3: 2 vCPU, 8 GiB
vm app on h1: 1 vCPU, 2 GiB
group shop of web: sync to b
group books of db: sync to b
group apps of app: sync to b
plan p1 of shop: tested
plan p2 of books
plan p3 of apps: tested
guests write every 5s

at 4m: migrate site a 1 at once
run until quiet
expect web run at b; db, app run at a; nothing was lost
expect report of site a: migrate partial; report of its plans: p1 success; report of its plans: p2 refused because "no test of the plan"
expect report of its plans: p3 notBegun because "after plan p2"
expect plan p2 is ready; plan p3 is ready
