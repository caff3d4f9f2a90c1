SET standard_conforming_strings = on;

COPY public.v_domains (domain_uuid, domain_name) FROM stdin;
d1	a.example.net
d2	b.example.net
\.

COPY public.v_extensions (extension_uuid, domain_uuid, extension, password, outbound_caller_id_number, limit_max, toll_allow, cidr, forward_all_enabled, forward_all_destination, follow_me_enabled, follow_me_uuid, enabled) FROM stdin;
e1	d1	100	wK7pRt3Zb9Xc5Vn2Mq8L	+31205550100	2	domestic	\N	false	0088213000000	false	f1	true
e2	d2	100	hB4sGx8Yd6Tk9Wf3Jn5P	+31205550100	2	domestic,international	203.0.113.7/32	false		true	f2	true
e3	d1	101	101		9			true	0088213000000	true	f1	false
\.

COPY public.v_voicemails (voicemail_uuid, domain_uuid, voicemail_id, voicemail_password, voicemail_enabled) FROM stdin;
m1	d1	100	482913	true
m2	d1	101	101	false
\.

COPY public.v_follow_me_destinations (follow_me_uuid, follow_me_destination) FROM stdin;
f1	0025263000000
f2	101
\.

COPY public.v_ring_groups (ring_group_uuid, ring_group_name, ring_group_enabled, ring_group_forward_enabled, ring_group_forward_destination) FROM stdin;
g1	sales	true	false	
\.

COPY public.v_ring_group_destinations (ring_group_uuid, destination_number, destination_enabled) FROM stdin;
g1	100	true
g1	0025263000000	false
\.

COPY public.v_ivr_menu_options (ivr_menu_uuid, ivr_menu_option_digits, ivr_menu_option_action, ivr_menu_option_param) FROM stdin;
i1	1	menu-exec-app	transfer 100 XML a.example.net
\.

COPY public.v_call_center_agents (agent_name, agent_contact) FROM stdin;
ann	{call_timeout=15}user/100@a.example.net
\.

COPY public.v_dialplans (dialplan_uuid, domain_uuid, dialplan_name, dialplan_number, dialplan_context, dialplan_enabled, dialplan_xml) FROM stdin;
p1	d1	abroad		a.example.net	true	<extension name="abroad" continue="false"><condition field="${toll_allow}" expression="(^|,)international(,|$)"/><condition field="destination_number" expression="^(00(?:32|44|49)\\d{8,11})$"><action application="set" data="effective_caller_id_number=${outbound_caller_id_number}"/><action application="sched_hangup" data="+7200 allotted_timeout"/><action application="bridge" data="sofia/gateway/gw1/$1"/></condition></extension>
p2	d1	call-limit		a.example.net	true	<extension name="call-limit" continue="true"><condition field="${call_direction}" expression="^(inbound|outbound)$"><action application="limit" data="hash inbound ${domain_name} ${limit_max} !USER_BUSY"/></condition></extension>
p3	d1	disa	*3472	a.example.net	true	<extension name="disa"><condition field="destination_number" expression="^\\*(3472)$"><action application="set" data="pin_number=739164" enabled="true"/><action application="lua" data="disa.lua" enabled="true"/></condition></extension>
p4	\N	call_return	*69	global	false	<extension name="call_return"><condition field="destination_number" expression="^\\*69$"><action application="answer"/></condition></extension>
p5	\N	local		global	true	<extension name="local"><condition field="destination_number" expression="^(\\d{3})$"><action application="bridge" data="user/$1@${domain_name}"/></condition></extension>
p6	d1	did	+31205550100	public	true	<extension name="did"><condition field="destination_number" expression="^(?:\\+?31|0)205550100$"><action application="transfer" data="100 XML a.example.net"/></condition></extension>
\.

COPY public.v_gateways (gateway_uuid, gateway, profile, username, password, proxy, register, context, enabled) FROM stdin;
GW1	itsp	external	acct-7731	zP3kVn8Wd5Tx2Mq7Hc9R	sip.itsp.test	true	public	true
\.

COPY public.v_ivr_menus (ivr_menu_uuid, ivr_menu_name, ivr_menu_enabled) FROM stdin;
i1	welcome	true
\.

COPY public.v_access_controls (access_control_uuid, access_control_name, access_control_default) FROM stdin;
a1	providers	deny
a2	domains	deny
\.

COPY public.v_access_control_nodes (access_control_uuid, node_type, node_cidr) FROM stdin;
a1	allow	198.51.100.20/32
\.

COPY public.v_sip_profiles (sip_profile_uuid, sip_profile_name, sip_profile_enabled) FROM stdin;
s1	internal	true
s2	external	true
\.

COPY public.v_sip_profile_settings (sip_profile_uuid, sip_profile_setting_name, sip_profile_setting_value, sip_profile_setting_enabled) FROM stdin;
s1	log-auth-failures	true	true
s1	apply-inbound-acl	domains	true
s1	context	public	true
s1	auth-calls	$${internal_auth_calls}	true
s1	inbound-reg-force-matching-username	true	true
s1	tls	true	true
s1	tls-version	tlsv1.2,tlsv1.3	true
s1	manual-redirect	true	true
s1	user-agent-string	PBX	true
s1	accept-blind-reg	true	false
s2	context	public	true
s2	auth-calls	false	true
s2	disable-register	true	true
s2	disable-transfer	true	true
s2	user-agent-string	PBX	true
s2	log-auth-failures	true	true
s2	apply-inbound-acl	providers	true
\.

COPY public.v_users (user_uuid, username, user_totp_secret, api_key, user_enabled) FROM stdin;
u1	ann	JBSWY3DPEHPK3PXPAAAA		true
u2	old			false
\.

COPY public.v_user_groups (user_uuid, group_name) FROM stdin;
u1	superadmin
u2	superadmin
\.

COPY public.v_device_lines (user_id, server_address, enabled, password) FROM stdin;
100	a.example.net	true	wK7pRt3Zb9Xc5Vn2Mq8L
100	b.example.net	true	hB4sGx8Yd6Tk9Wf3Jn5P
\.

COPY public.v_default_settings (default_setting_category, default_setting_subcategory, default_setting_value, default_setting_enabled) FROM stdin;
provision	enabled	true	true
provision	http_auth_enabled	true	true
provision	http_auth_password	nR5xTd8Kw3Hb6Zq9Vc2S	true
\.

