A host sees nobody any more, and its storage heartbeat says so. Its cluster leaves VMs on: they run on for as long as it
takes, and when it is back it was a false alarm.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault nic-down h1 for 5m
at 200s: write web-1 block 1 "alone and well"
run until 400s
expect web untouched; nothing restarted; web-1 block 1 reads "alone and well"
expect once alarm host-isolated on h1; h1 online; incident of h1 falseAlarm; no alarm
