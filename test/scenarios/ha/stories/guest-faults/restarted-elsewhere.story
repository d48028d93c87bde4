The guest of a VM crashes, and its fault process is HA: it may be the host, so it is stopped there and started on another one.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1: faultProcess ha
vm other on h1

at 2s: write web block 1 "before the blue screen"
at 10s: fault guest-crash web
run until quiet
expect web runs elsewhere with a newer epoch; web block 1 reads "before the blue screen"; other untouched
expect incident of web closed; h1 online; no alarm
