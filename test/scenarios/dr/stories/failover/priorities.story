VMs start by priority, and in a priority those that others depend on first.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm db on h1: 2 vCPU, 4 GiB
vm app on h2: 2 vCPU, 4 GiB
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of db, app, web: sync to b
plan p1 of shop: priority 1 db, priority 2 app, priority 2 web-1, web-1 dependsOn app, priority 3 web-2, delay 1 30s
guests write every 5s

at 31s: fault site-loss site-a
at 60s: failover plan p1 without a test because "the site burns"
run until quiet
expect all VMs run at b; nothing was lost; app boots after db serves; web-1 boots after app serves; web-2 boots after web-1 serves
expect report of p1: failover success; phases of p1 without a gap
