-- Tables in the shapes of FusionPBX's, and rows of an invented site.
DROP DATABASE IF EXISTS fusionpbx;
DROP ROLE IF EXISTS fusionpbx;
CREATE ROLE fusionpbx LOGIN PASSWORD 'tM4vKq9Ws2Xz7Bn5Rc8H';
CREATE DATABASE fusionpbx OWNER fusionpbx;
\connect fusionpbx
SET ROLE fusionpbx;
SET default_transaction_read_only = off;
CREATE TABLE public.v_domains ("domain_uuid" uuid, "domain_parent_uuid" uuid, "domain_name" text, "domain_enabled" boolean, "domain_description" text);
COPY public.v_domains ("domain_uuid", "domain_name") FROM stdin;
9948c645-c094-2477-94f4-c7acdbeb2bb6	a.example.net
b25b0651-e4b6-e887-e519-4135d3692631	b.example.net
\.
CREATE TABLE public.v_extensions ("extension_uuid" uuid, "domain_uuid" uuid, "extension" text, "number_alias" text, "password" text, "accountcode" text, "effective_caller_id_name" text, "effective_caller_id_number" text, "outbound_caller_id_name" text, "outbound_caller_id_number" text, "emergency_caller_id_name" text, "emergency_caller_id_number" text, "directory_first_name" text, "directory_last_name" text, "directory_visible" boolean, "directory_exten_visible" boolean, "max_registrations" text, "limit_max" text, "limit_destination" text, "missed_call_app" text, "missed_call_data" text, "user_context" text, "toll_allow" text, "call_timeout" numeric, "call_group" text, "call_screen_enabled" boolean, "user_record" text, "hold_music" text, "auth_acl" text, "cidr" text, "sip_force_contact" text, "nibble_account" text, "sip_force_expires" numeric, "mwi_account" text, "sip_bypass_media" text, "unique_id" numeric, "dial_string" text, "dial_user" text, "dial_domain" text, "do_not_disturb" boolean, "forward_all_destination" text, "forward_all_enabled" boolean, "forward_busy_destination" text, "forward_busy_enabled" boolean, "forward_no_answer_destination" text, "forward_no_answer_enabled" boolean, "forward_user_not_registered_destination" text, "forward_user_not_registered_enabled" boolean, "follow_me_uuid" uuid, "follow_me_enabled" boolean, "follow_me_destinations" text, "extension_language" text, "extension_dialect" text, "extension_voice" text, "extension_type" text, "enabled" boolean, "description" text, "absolute_codec_string" text, "force_ping" boolean);
COPY public.v_extensions ("extension_uuid", "domain_uuid", "extension", "password", "outbound_caller_id_number", "limit_max", "toll_allow", "cidr", "forward_all_enabled", "forward_all_destination", "follow_me_enabled", "follow_me_uuid", "enabled") FROM stdin;
cd3dc8b6-cffb-41e4-163d-cbd857ca87da	9948c645-c094-2477-94f4-c7acdbeb2bb6	100	wK7pRt3Zb9Xc5Vn2Mq8L	+31205550100	2	domestic	\N	false	0088213000000	false	bd19836d-db62-c11c-55ab-251ccaca5645	true
68a9e49b-bc88-c020-83a0-62a78ab3bf30	b25b0651-e4b6-e887-e519-4135d3692631	100	hB4sGx8Yd6Tk9Wf3Jn5P	+31205550100	2	domestic,international	203.0.113.7/32	false		true	3667f6a0-c974-9075-8d7d-c9659d01ea34	true
7ed21b04-c0dc-de1c-638e-5c8480ad0026	9948c645-c094-2477-94f4-c7acdbeb2bb6	101	101		9			true	0088213000000	true	bd19836d-db62-c11c-55ab-251ccaca5645	false
\.
CREATE TABLE public.v_voicemails ("domain_uuid" uuid, "voicemail_uuid" uuid, "voicemail_id" text, "voicemail_password" text, "voicemail_tutorial" boolean, "greeting_id" numeric, "voicemail_alternate_greet_id" text, "voicemail_recording_instructions" boolean, "voicemail_recording_options" boolean, "voicemail_mail_to" text, "voicemail_sms_to" text, "voicemail_transcription_enabled" boolean, "voicemail_transcription_prompt_enabled" boolean, "voicemail_transcription_prompt" text, "voicemail_attach_file" text, "voicemail_file" text, "voicemail_local_after_email" boolean, "voicemail_local_after_forward" boolean, "voicemail_enabled" boolean, "voicemail_description" text, "alternate_voicemail_destination" text, "alternate_voicemail_enabled" boolean, "voicemail_name_base64" text);
COPY public.v_voicemails ("voicemail_uuid", "domain_uuid", "voicemail_id", "voicemail_password", "voicemail_enabled") FROM stdin;
ae7be26c-daa7-42ca-1480-68d5ac90eaca	9948c645-c094-2477-94f4-c7acdbeb2bb6	100	482913	true
aaf2f899-9237-9705-dac8-44c0a2a1d45f	9948c645-c094-2477-94f4-c7acdbeb2bb6	101	101	false
\.
CREATE TABLE public.v_follow_me_destinations ("domain_uuid" uuid, "follow_me_uuid" uuid, "follow_me_destination_uuid" uuid, "follow_me_destination" text, "follow_me_delay" numeric, "follow_me_timeout" numeric, "follow_me_prompt" text, "follow_me_order" numeric);
COPY public.v_follow_me_destinations ("follow_me_uuid", "follow_me_destination") FROM stdin;
bd19836d-db62-c11c-55ab-251ccaca5645	0025263000000
3667f6a0-c974-9075-8d7d-c9659d01ea34	101
\.
CREATE TABLE public.v_ring_groups ("domain_uuid" uuid, "ring_group_uuid" uuid, "ring_group_name" text, "ring_group_extension" text, "ring_group_greeting" text, "ring_group_exit_key" text, "ring_group_call_timeout" numeric, "ring_group_forward_destination" text, "ring_group_forward_enabled" boolean, "ring_group_caller_id_name" text, "ring_group_caller_id_number" text, "ring_group_cid_name_prefix" text, "ring_group_cid_number_prefix" text, "ring_group_strategy" text, "ring_group_timeout_app" text, "ring_group_timeout_data" text, "ring_group_distinctive_ring" text, "ring_group_ringback" text, "ring_group_call_screen_enabled" boolean, "ring_group_call_forward_enabled" boolean, "ring_group_follow_me_enabled" boolean, "ring_group_missed_call_app" text, "ring_group_missed_call_data" text, "ring_group_context" text, "ring_group_enabled" boolean, "ring_group_description" text, "dialplan_uuid" uuid, "ring_group_forward_toll_allow" text, "ring_group_wait_announcement" text, "ring_group_wait_interval" numeric);
COPY public.v_ring_groups ("ring_group_uuid", "ring_group_name", "ring_group_enabled", "ring_group_forward_enabled", "ring_group_forward_destination") FROM stdin;
0120a4f9-196a-5f9e-b9f5-23f31f914da7	sales	true	false	
\.
CREATE TABLE public.v_ring_group_destinations ("ring_group_destination_uuid" uuid, "domain_uuid" uuid, "ring_group_uuid" uuid, "destination_number" text, "destination_delay" numeric, "destination_timeout" numeric, "destination_enabled" boolean, "destination_prompt" numeric, "destination_description" text);
COPY public.v_ring_group_destinations ("ring_group_uuid", "destination_number", "destination_enabled") FROM stdin;
0120a4f9-196a-5f9e-b9f5-23f31f914da7	100	true
0120a4f9-196a-5f9e-b9f5-23f31f914da7	0025263000000	false
\.
CREATE TABLE public.v_ivr_menu_options ("ivr_menu_option_uuid" uuid, "ivr_menu_uuid" uuid, "domain_uuid" uuid, "ivr_menu_option_digits" text, "ivr_menu_option_action" text, "ivr_menu_option_param" text, "ivr_menu_option_order" numeric, "ivr_menu_option_description" text, "ivr_menu_option_enabled" boolean);
COPY public.v_ivr_menu_options ("ivr_menu_uuid", "ivr_menu_option_digits", "ivr_menu_option_action", "ivr_menu_option_param") FROM stdin;
9ce88802-f075-91e5-ce04-57ef51ece021	1	menu-exec-app	transfer 100 XML a.example.net
\.
CREATE TABLE public.v_call_flows ("domain_uuid" uuid, "call_flow_uuid" uuid, "dialplan_uuid" uuid, "call_flow_name" text, "call_flow_extension" text, "call_flow_feature_code" text, "call_flow_context" text, "call_flow_status" text, "call_flow_pin_number" text, "call_flow_label" text, "call_flow_sound" text, "call_flow_app" text, "call_flow_data" text, "call_flow_alternate_label" text, "call_flow_alternate_sound" text, "call_flow_alternate_app" text, "call_flow_alternate_data" text, "call_flow_enabled" boolean, "call_flow_description" text);
CREATE TABLE public.v_call_center_agents ("call_center_agent_uuid" uuid, "domain_uuid" uuid, "user_uuid" uuid, "agent_name" text, "agent_type" text, "agent_call_timeout" numeric, "agent_id" text, "agent_password" text, "agent_contact" text, "agent_status" text, "agent_logout" text, "agent_max_no_answer" numeric, "agent_wrap_up_time" numeric, "agent_reject_delay_time" numeric, "agent_busy_delay_time" numeric, "agent_no_answer_delay_time" text, "agent_record" boolean);
COPY public.v_call_center_agents ("agent_name", "agent_contact") FROM stdin;
ann	{call_timeout=15}user/100@a.example.net
\.
CREATE TABLE public.v_dialplans ("domain_uuid" uuid, "dialplan_uuid" uuid, "app_uuid" uuid, "hostname" text, "dialplan_context" text, "dialplan_name" text, "dialplan_number" text, "dialplan_destination" boolean, "dialplan_continue" boolean, "dialplan_xml" text, "dialplan_order" numeric, "dialplan_enabled" boolean, "dialplan_description" text);
COPY public.v_dialplans ("dialplan_uuid", "domain_uuid", "dialplan_name", "dialplan_number", "dialplan_context", "dialplan_enabled", "dialplan_xml") FROM stdin;
ec6ef230-f182-8039-ee79-4566b9c58adc	9948c645-c094-2477-94f4-c7acdbeb2bb6	abroad		a.example.net	true	<extension name="abroad" continue="false"><condition field="${toll_allow}" expression="(^|,)international(,|$)"/><condition field="destination_number" expression="^(00(?:32|44|49)\\d{8,11})$"><action application="set" data="effective_caller_id_number=${outbound_caller_id_number}"/><action application="sched_hangup" data="+7200 allotted_timeout"/><action application="bridge" data="sofia/gateway/gw1/$1"/></condition></extension>
1d665b9b-1467-944c-128a-5575119d1cfd	9948c645-c094-2477-94f4-c7acdbeb2bb6	call-limit		a.example.net	true	<extension name="call-limit" continue="true"><condition field="${call_direction}" expression="^(inbound|outbound)$"><action application="limit" data="hash inbound ${domain_name} ${limit_max} !USER_BUSY"/></condition></extension>
7bc3ca68-7694-37ce-9864-55407dab2a1f	9948c645-c094-2477-94f4-c7acdbeb2bb6	disa	*3472	a.example.net	true	<extension name="disa"><condition field="destination_number" expression="^\\*(3472)$"><action application="set" data="pin_number=739164" enabled="true"/><action application="lua" data="disa.lua" enabled="true"/></condition></extension>
13207e3d-5722-030f-6c97-d69b4904d39d	\N	call_return	*69	global	false	<extension name="call_return"><condition field="destination_number" expression="^\\*69$"><action application="answer"/></condition></extension>
ed92eff8-13a0-2a31-a267-7be0563a0739	\N	local		global	true	<extension name="local"><condition field="destination_number" expression="^(\\d{3})$"><action application="bridge" data="user/$1@${domain_name}"/></condition></extension>
c6c27fc9-8633-c825-71d7-5dcb5739bbdf	9948c645-c094-2477-94f4-c7acdbeb2bb6	did	+31205550100	public	true	<extension name="did"><condition field="destination_number" expression="^(?:\\+?31|0)205550100$"><action application="transfer" data="100 XML a.example.net"/></condition></extension>
\.
CREATE TABLE public.v_access_controls ("access_control_uuid" uuid, "access_control_name" text, "access_control_default" text, "access_control_description" text);
COPY public.v_access_controls ("access_control_uuid", "access_control_name", "access_control_default") FROM stdin;
8a8bb7cd-343a-a2ad-99b7-d762030857a2	providers	deny
693a9fdd-4c2f-d070-0968-fba0d07ff3c0	domains	deny
\.
CREATE TABLE public.v_access_control_nodes ("access_control_node_uuid" uuid, "access_control_uuid" uuid, "node_type" text, "node_cidr" text, "node_description" text);
COPY public.v_access_control_nodes ("access_control_uuid", "node_type", "node_cidr") FROM stdin;
8a8bb7cd-343a-a2ad-99b7-d762030857a2	allow	198.51.100.20/32
\.
CREATE TABLE public.v_sip_profiles ("sip_profile_uuid" uuid, "sip_profile_name" text, "sip_profile_hostname" text, "sip_profile_enabled" boolean, "sip_profile_description" text);
COPY public.v_sip_profiles ("sip_profile_uuid", "sip_profile_name", "sip_profile_enabled") FROM stdin;
8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	internal	true
fac98944-7cad-2edb-c89f-bcba70003b36	external	true
\.
CREATE TABLE public.v_sip_profile_settings ("sip_profile_setting_uuid" uuid, "sip_profile_uuid" uuid, "sip_profile_setting_name" text, "sip_profile_setting_value" text, "sip_profile_setting_enabled" boolean, "sip_profile_setting_description" text);
COPY public.v_sip_profile_settings ("sip_profile_uuid", "sip_profile_setting_name", "sip_profile_setting_value", "sip_profile_setting_enabled") FROM stdin;
8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	log-auth-failures	true	true
8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	apply-inbound-acl	domains	true
8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	context	public	true
8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	auth-calls	$${internal_auth_calls}	true
8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	inbound-reg-force-matching-username	true	true
8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	tls	true	true
8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	tls-version	tlsv1.2,tlsv1.3	true
8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	manual-redirect	true	true
8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	user-agent-string	PBX	true
8ddf8780-39b7-0767-c4a5-bcf4f0c4f65e	accept-blind-reg	true	false
fac98944-7cad-2edb-c89f-bcba70003b36	context	public	true
fac98944-7cad-2edb-c89f-bcba70003b36	auth-calls	false	true
fac98944-7cad-2edb-c89f-bcba70003b36	disable-register	true	true
fac98944-7cad-2edb-c89f-bcba70003b36	disable-transfer	true	true
fac98944-7cad-2edb-c89f-bcba70003b36	user-agent-string	PBX	true
fac98944-7cad-2edb-c89f-bcba70003b36	log-auth-failures	true	true
fac98944-7cad-2edb-c89f-bcba70003b36	apply-inbound-acl	providers	true
\.
CREATE TABLE public.v_users ("user_uuid" uuid, "domain_uuid" uuid, "contact_uuid" uuid, "username" text, "password" text, "salt" text, "user_email" text, "user_status" text, "api_key" text, "user_totp_secret" text, "user_type" text, "user_enabled" boolean, "add_user" text, "add_date" text);
COPY public.v_users ("user_uuid", "username", "user_totp_secret", "api_key", "user_enabled") FROM stdin;
e4774cdd-a079-3f86-414e-8b9140bb6db4	ann	JBSWY3DPEHPK3PXPAAAA		true
270c1b08-4f3f-146e-b578-7075158d9c53	old			false
\.
CREATE TABLE public.v_user_groups ("user_group_uuid" uuid, "domain_uuid" uuid, "group_name" text, "group_uuid" uuid, "user_uuid" uuid);
COPY public.v_user_groups ("user_uuid", "group_name") FROM stdin;
e4774cdd-a079-3f86-414e-8b9140bb6db4	superadmin
270c1b08-4f3f-146e-b578-7075158d9c53	superadmin
\.
CREATE TABLE public.v_device_lines ("domain_uuid" uuid, "device_line_uuid" uuid, "device_uuid" uuid, "line_number" text, "server_address" text, "server_address_primary" text, "server_address_secondary" text, "outbound_proxy_primary" text, "outbound_proxy_secondary" text, "label" text, "display_name" text, "user_id" text, "auth_id" text, "password" text, "sip_port" numeric, "sip_transport" text, "register_expires" numeric, "shared_line" text, "enabled" boolean);
COPY public.v_device_lines ("user_id", "server_address", "enabled", "password") FROM stdin;
100	a.example.net	true	wK7pRt3Zb9Xc5Vn2Mq8L
100	b.example.net	true	hB4sGx8Yd6Tk9Wf3Jn5P
\.
CREATE TABLE public.v_default_settings ("default_setting_uuid" uuid, "app_uuid" uuid, "default_setting_category" text, "default_setting_subcategory" text, "default_setting_name" text, "default_setting_value" text, "default_setting_order" numeric, "default_setting_enabled" boolean, "default_setting_description" text);
COPY public.v_default_settings ("default_setting_category", "default_setting_subcategory", "default_setting_value", "default_setting_enabled") FROM stdin;
provision	enabled	true	true
provision	http_auth_enabled	true	true
provision	http_auth_password	nR5xTd8Kw3Hb6Zq9Vc2S	true
\.
CREATE TABLE public.v_gateways ("gateway_uuid" uuid, "domain_uuid" uuid, "gateway" text, "username" text, "password" text, "distinct_to" boolean, "auth_username" text, "realm" text, "from_user" text, "from_domain" text, "proxy" text, "register_proxy" text, "outbound_proxy" text, "expire_seconds" numeric, "register" boolean, "register_transport" text, "contact_params" text, "retry_seconds" numeric, "extension" text, "ping" text, "ping_min" text, "ping_max" text, "contact_in_ping" boolean, "caller_id_in_from" boolean, "supress_cng" boolean, "sip_cid_type" text, "codec_prefs" text, "channels" numeric, "extension_in_contact" text, "context" text, "profile" text, "hostname" text, "enabled" boolean, "description" text);
COPY public.v_gateways ("gateway_uuid", "gateway", "profile", "username", "password", "proxy", "register", "context", "enabled") FROM stdin;
47617066-9106-57bf-22fa-850ece0d9258	itsp	external	acct-7731	zP3kVn8Wd5Tx2Mq7Hc9R	sip.itsp.test	true	public	true
\.
CREATE TABLE public.v_ivr_menus ("ivr_menu_uuid" uuid, "domain_uuid" uuid, "dialplan_uuid" uuid, "ivr_menu_name" text, "ivr_menu_extension" text, "ivr_menu_parent_uuid" uuid, "ivr_menu_language" text, "ivr_menu_dialect" text, "ivr_menu_voice" text, "ivr_menu_greet_long" text, "ivr_menu_greet_short" text, "ivr_menu_invalid_sound" text, "ivr_menu_exit_sound" text, "ivr_menu_pin_number" text, "ivr_menu_confirm_macro" text, "ivr_menu_confirm_key" text, "ivr_menu_tts_engine" text, "ivr_menu_tts_voice" text, "ivr_menu_confirm_attempts" numeric, "ivr_menu_timeout" numeric, "ivr_menu_exit_app" text, "ivr_menu_exit_data" text, "ivr_menu_inter_digit_timeout" numeric, "ivr_menu_max_failures" numeric, "ivr_menu_max_timeouts" numeric, "ivr_menu_digit_len" numeric, "ivr_menu_direct_dial" boolean, "ivr_menu_ringback" text, "ivr_menu_cid_prefix" text, "ivr_menu_context" text, "ivr_menu_enabled" boolean, "ivr_menu_description" text);
COPY public.v_ivr_menus ("ivr_menu_uuid", "ivr_menu_name", "ivr_menu_enabled") FROM stdin;
9ce88802-f075-91e5-ce04-57ef51ece021	welcome	true
\.
CREATE TABLE public.v_user_logs ("user_log_uuid" uuid, "domain_uuid" uuid, "hostname" text, "timestamp" timestamptz, "user_uuid" uuid, "username" text, "type" text, "result" text, "detail" text, "remote_address" text, "user_agent" text, "session_id" text, "remember_selector" uuid, "remember_validator" text);
CREATE TABLE public.v_destinations ("domain_uuid" uuid, "destination_uuid" uuid, "dialplan_uuid" uuid, "fax_uuid" uuid, "user_uuid" uuid, "group_uuid" uuid, "provider_uuid" uuid, "destination_type" text, "destination_number" text, "destination_trunk_prefix" text, "destination_area_code" text, "destination_prefix" text, "destination_condition_field" text, "destination_number_regex" text, "destination_caller_id_name" text, "destination_caller_id_number" text, "destination_cid_name_prefix" text, "destination_context" text, "destination_record" boolean, "destination_hold_music" text, "destination_distinctive_ring" text, "destination_ringback" text, "destination_accountcode" text, "destination_type_voice" numeric, "destination_type_fax" numeric, "destination_type_emergency" numeric, "destination_type_text" numeric, "destination_conditions" json, "destination_actions" json, "destination_app" text, "destination_data" text, "destination_alternate_app" text, "destination_alternate_data" text, "destination_order" numeric, "destination_enabled" boolean, "destination_description" text, "destination_email" boolean);
COPY public.v_user_logs (user_log_uuid, "timestamp", user_uuid, username, type, result) FROM stdin;
377fd569-971e-edeb-a8fb-ea28434a390a	2026-11-20 09:00:00+00	e4774cdd-a079-3f86-414e-8b9140bb6db4	ann	login	success
\.
COPY public.v_destinations (destination_uuid, domain_uuid, destination_type, destination_number, destination_actions, destination_enabled) FROM stdin;
c82561ec-215a-6e31-807c-eedf3b3bd25e	9948c645-c094-2477-94f4-c7acdbeb2bb6	inbound	31205550100	[{"destination_app":"transfer","destination_data":"100 XML a.example.net"}]	true
\.
