A host is suspect twice, and each time it was nothing: two incidents, both false alarms, and no VM noticed.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 10s: fault management-partition h1 for 30s
at 120s: fault management-partition h1 for 30s
run until 240s
expect web untouched; incident of h1 falseAlarm; h1 online; no alarm
