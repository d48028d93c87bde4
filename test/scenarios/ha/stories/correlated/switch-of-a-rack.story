The management switch of a rack fails: all its hosts are suspect, all their VMs run on.

cluster c1: 4 hosts of 16 cores and 64 GiB, racks 2
vm web x4 on h1, h2, h3, h4

at 10s: fault management-partition r1 for 3m
run until 300s
expect web untouched; nothing restarted; no alarm; h1 suspect by 25s; h3 suspect by 25s; incident of h3 falseAlarm
