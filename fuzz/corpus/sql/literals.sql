SELECT E'a\'\x41\u00e9', U&'d\0061t' UESCAPE '\', $tag$ it's $tag$, B'101', X'ff', 1e5, .5, 'a'
'b', -1::int4[], '{1,2}'::int[], interval '1 day' /* /* nested */ */ -- end